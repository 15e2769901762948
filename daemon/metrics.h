/* SPDX-License-Identifier: Apache-2.0
 *
 * What the daemon has done so far, as Prometheus' text format (exposition format 0.0.4).
 */
#pragma once

#include <stdint.h>

#include "job.h"

enum metrics_outcome { METRICS_DONE, METRICS_FAILED, METRICS_CANCELLED, METRICS_N_OUTCOMES };
enum { METRICS_N_STAGES = 8 };

struct metrics {
    uint64_t jobs[JOB_N_KINDS][METRICS_N_OUTCOMES];
    uint64_t cells, samples, segments;
    double stage_ms[METRICS_N_STAGES];
    unsigned rate_hz;
};

/** Names and milliseconds of a result's stages; as many as METRICS_N_STAGES. */
extern const char *const metrics_stage_names[METRICS_N_STAGES];
void metrics_stages(const struct job_result *res, double ret_ms[METRICS_N_STAGES]);

/** A job is through. */
void metrics_count(struct metrics *m, const struct job *job);
/** *ret owned. -ENOMEM */
int metrics_text(const struct metrics *m, unsigned n_queued, const struct vkc_device_info *device,
                 char **ret);
