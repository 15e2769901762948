/* SPDX-License-Identifier: Apache-2.0
 *
 * The way into the pipeline in this process, for the engine and for `braillectl read`.
 */
#pragma once

#include "base/fail.h"
#include "pipeline/pipeline.h"
#include "tools/ctl/ctl.h"
#include "tools/ctl/engine.h"

/** Open the device the options ask for; says so on standard error. *ret owned. */
int local_pipeline_new(const struct ctl *ctl, struct pipeline **ret, struct fail *fail);

/** Of an engine of engine_local_new(): its pipeline, borrowed. */
struct pipeline *local_engine_pipeline(struct engine *e);
/** Count the times of a reading. */
void local_engine_add_times(struct engine *e, const struct pipeline_reading *reading);

/** Decode the file and read it; times_ms.decode is filled in. pipeline_reading_done() frees.
 * *ret_img: the picture, owned by the caller; NULL: not wanted. */
int local_read(struct pipeline *p, const struct ctl *ctl, int fd, const char *name,
               const struct pipeline_read_params *params, struct pipeline_reading *ret,
               struct image **ret_img, struct fail *fail);

/** " (integrated GPU, driver …)"; for the CPU it says that there is no GPU. */
void local_device_note(const struct vkc_device_info *info, char *out, size_t size);
