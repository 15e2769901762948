# SPDX-License-Identifier: Apache-2.0
"""What manual pages have besides the programs' own --help: headings, examples, files, variables; English and Chinese."""

HEADINGS = {
    'en': dict(name='NAME', synopsis='SYNOPSIS', description='DESCRIPTION', options='OPTIONS', commands='COMMANDS', common='OPTIONS OF ALL COMMANDS',
               exit='EXIT STATUS', environment='ENVIRONMENT', files='FILES', examples='EXAMPLES', see='SEE ALSO', interface='INTERFACE'),
    'zh_CN': dict(name='名称', synopsis='概要', description='描述', options='选项', commands='命令', common='所有命令共有的选项',
                  exit='退出状态', environment='环境变量', files='文件', examples='示例', see='参见', interface='接口'),
}

EXIT = [
    ('0', 'done', '完成'), ('1', 'failed', '失败'), ('64', 'wrong usage', '用法错误'),
    ('65', 'the input is broken or not what it should be', '输入损坏，或不是应有的内容'), ('66', 'the input cannot be opened', '输入打不开'),
    ('69', 'no device, model or service', '没有设备、模型或服务'), ('70', 'a defect of the program', '程序自身的缺陷'),
    ('73', 'the output cannot be created', '输出无法建立'), ('74', 'reading or writing failed (full disk)', '读写失败（磁盘已满）'), ('130', 'interrupted', '被中断'),
]

ENVIRONMENT = [
    ('LANGUAGE, LC_ALL, LC_MESSAGES, LANG', 'the language of messages, English or Chinese; the locale need not be installed',
     '信息所用的语言，英文或中文；不必安装该语言环境'),
    ('BRAILLED_MODELS', 'the folder of the weights', '模型权重所在的文件夹'),
    ('DBUS_SESSION_BUS_ADDRESS', 'where brailled is looked for', '在哪里找 brailled'),
    ('NO_COLOR', 'a progress line is never redrawn', '进度行从不重画'),
]

# page: (shell line, English, Chinese)
EXAMPLES = {
    'braillectl-convert': [('braillectl convert page.png -o page.opus --text page.txt', 'A page as sound, and what was spoken as text.', '把一页变成声音，朗读的内容写成文字。'),
                           ('braillectl convert BOOK/*.png -o book.opus', 'A book with chapters.', '有章节的一本书。'),
                           ('ssh server braillectl convert - -o - <page.png | aplay', 'On another machine, heard here.', '在另一台机器上做，在这里听。')],
    'braillectl-caption': [('braillectl caption photo.jpg --bank sentences.txt --play', 'What a photograph shows, said aloud.', '说出照片里是什么。')],
    'braillectl-read': [('braillectl read page.png --format json', 'Every cell with its place and certainty.', '每一方及其位置和把握。'),
                        ('braillectl read page*.png -o book.brf', 'Braille ASCII for an embosser.', '供刻印机用的 ASCII 盲文。')],
    'braillectl-say': [('braillectl say 北京很大。 --play', 'Say a sentence.', '说一句话。'), ('braillectl say --file letter.txt --rate 1.5 -o letter.opus', 'A letter, quicker.', '一封信，说快些。')],
    'braillectl-scan': [('braillectl scan --speak', 'Scan a page and hear it.', '扫描一页并听。'), ('braillectl scan --source adf -o book.opus', 'All pages of the feeder as a book.', '进纸器里的全部页做成一本书。')],
    'braillectl-button': [('braillectl button --watch --speak', "Each press of the scanner's button reads a page.", '每按一次扫描仪的按键就读一页。')],
    'braillectl-import': [('braillectl import clip_cn_vit-b-16.pt --vocab vocab.txt', 'Chinese-CLIP, with its vocabulary.', 'Chinese-CLIP，连同词表。'),
                          ('braillectl import g_02500000 -o voices/hifigan.safetensors', 'A HiFi-GAN generator.', '一个 HiFi-GAN 生成器。')],
    'braillectl-keys': [("braillectl keys install --key '<Super>F9'", 'One key scans and reads.', '一个键扫描并朗读。')],
    'braillectl-spool': [('braillectl spool ~/Braille', 'What lies in the folder becomes sound.', '文件夹里的内容变成声音。')],
    'braille-dataset-build': [('braille-dataset build bit --seed 1', 'The whole family of data sets.', '整个系列的数据集。')],
    'braille-eval-reading': [('braille-eval reading TRUTH READINGS --json', 'Dots and cells against annotations.', '把点和方与标注比较。')],
    'braille-eval-retrieval': [('braille-eval retrieval bit/BIT* --clip crops.safetensors --k 1,3,5', 'All sets, with votes of training pictures.', '所有数据集，并由训练图片投票。')],
    'braille-eval-text': [('braille-eval text found.txt wanted.txt --syllables', 'Captions, or what a recogniser heard.', '图片说明，或识别器听到的内容。')],
    'sd_brailled': [('spd-say -o brailled -l zh-CN 你好', 'Speak through speech-dispatcher.', '经过 speech-dispatcher 说话。')],
}

ABOUT = {  # pages whose program prints no one-line summary
    'braillectl': ('pages of Chinese braille to text and Mandarin speech', '把中文盲文页面变成文字和普通话语音'),
    'braille-dataset': ('data sets of Chinese braille: drawn, cut, cleaned, divided', '中文盲文数据集：绘制、裁切、清理、划分'),
    'braille-eval': ('how good the models are, by published rules', '按公布的规则衡量模型的好坏'),
    'brailled': ('D-Bus service that turns braille pages into speech', '把盲文页面变成语音的 D-Bus 服务'),
    'sd_brailled': ('voice of brailled for speech-dispatcher', 'brailled 的嗓音，供 speech-dispatcher 使用'),
    'brailled-spiel': ('voices of brailled for Spiel', 'brailled 的嗓音，供 Spiel 使用'),
    'brailled.service': ('units of brailled for systemd', 'brailled 的 systemd 单元'),
    'org.brailled.Brailled1': ('D-Bus interface of brailled', 'brailled 的 D-Bus 接口'),
}

UNITS = [
    ('brailled.service (user)', 'The service of the session bus, which starts it when it is called; it leaves after a minute without work.',
     '会话总线上的服务，被调用时由总线启动；一分钟没有工作就退出。'),
    ('brailled.service (system)', 'The same on the system bus, for hosts without a desktop. Members of the group brailled may call it.',
     '系统总线上的同一服务，供没有桌面的主机。brailled 组的成员可以调用。'),
    ('brailled@.service (system)', 'One daemon a device: systemctl start brailled@1 takes device 1, braillectl --instance 1 calls it.',
     '每个设备一个守护进程：systemctl start brailled@1 用设备 1，braillectl --instance 1 调用它。'),
    ('brailled-spool.path, brailled-spool.service', 'What is dropped into the spool folder becomes sound; see braillectl-spool(1).',
     '放进假脱机文件夹的内容变成声音；见 braillectl-spool(1)。'),
    ('braille-button.service (user)', "Each press of the scanner's button reads a page aloud: systemctl --user enable --now braille-button; see braillectl-button(1).",
     '每按一次扫描仪的按键就朗读一页：systemctl --user enable --now braille-button；见 braillectl-button(1)。'),
    ('sysusers.d/brailled.conf, tmpfiles.d/brailled.conf', 'The user and group brailled and the folders that the units need; systemd-sysusers and systemd-tmpfiles make them.',
     '各单元需要的用户、组 brailled 和文件夹；由 systemd-sysusers 和 systemd-tmpfiles 建立。'),
]

INTERFACE = (
    'Name org.brailled.Brailled1, object /org/brailled/Brailled1, on the session bus, or on the system bus of a host without a desktop. '
    'Pictures and sound travel as file descriptors. The file org.brailled.Brailled1.xml in the folder dbus-1/interfaces is the definition; this page is made from it.',
    '名字 org.brailled.Brailled1，对象 /org/brailled/Brailled1，在会话总线上；没有桌面的主机则在系统总线上。'
    '图片和声音以文件描述符传送。定义见 dbus-1/interfaces 文件夹里的 org.brailled.Brailled1.xml；本页由它生成，其中的说明是英文。')
