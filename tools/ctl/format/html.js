// SPDX-License-Identifier: Apache-2.0
// Lights up what belongs together: a line of the table and its row in the picture, a syllable and its cells.
'use strict';
let pointer = '';
for (const page of document.querySelectorAll('.page')) {
  const mates = (key, value) => page.querySelectorAll(`[data-${key}="${value}"]`);
  const show = (target) => {
    for (const old of page.querySelectorAll('.lit, .now')) old.classList.remove('lit', 'now');
    const cell = target && target.closest('a[href*="-c"]');
    const aim = cell ? document.getElementById(cell.hash.slice(1)) : target;
    const line = aim && aim.closest('[data-line]'), piece = aim && aim.closest('[data-piece]');
    if (line) for (const mate of mates('line', line.dataset.line)) mate.classList.add('lit');
    if (piece) for (const mate of mates('piece', piece.dataset.piece)) mate.classList.add('now');
    else if (cell && aim) aim.classList.add('now');
  };
  page.addEventListener('pointerover', (e) => {
    const at = `${e.screenX} ${e.screenY}`;
    if (at !== pointer) show(e.target); // a page that scrolls below a resting pointer moves nothing
    pointer = at;
  });
  page.addEventListener('pointerleave', () => show(page.contains(document.activeElement) ? document.activeElement : null));
  page.addEventListener('focusin', (e) => show(e.target));
  page.addEventListener('focusout', () => show(null));
  page.addEventListener('click', (e) => {
    const row = e.target.closest('svg [data-line]');
    const line = row && page.querySelector(`tr[data-line="${row.dataset.line}"] a`);
    if (line) line.focus();
  });
}
