/* SPDX-License-Identifier: Apache-2.0
 *
 * Cosines are no probabilities: right cells have 0.84 to 0.86 whatever the page. The image tower's
 * word and the dot detector's are two looks at the same place, added as log likelihoods with the
 * weights that came with the model (struct clip_calibration).
 */

#include <math.h>

#include "pipeline/pipeline_internal.h"

#define TEMPERATURE 34.0 ///< of a model that does not say it: fitted without the dots

/** The likelihoods of one place's nearest cells; returns the best one. */
static unsigned rate(const struct clip_calibration *q, const struct pipeline_cells *c, size_t slot)
{
    const double temperature = q->temperature > 0 ? q->temperature : TEMPERATURE;
    const double *evidence = c->page->slots[slot].evidence;
    const size_t at = slot * PIPELINE_TOP;
    unsigned best = 0;

    for (unsigned k = 0; k < PIPELINE_TOP; k++) {
        double score = temperature * (double) c->cosine[at + k];
        for (unsigned d = 0; d < 6; d++)
            if (q->dot_weight > 0 && c->top[at + k] >> d & 1)
                score += q->dot_weight * (evidence[d] + q->dot_bias);
        c->score[at + k] = (float) score;
        if (c->score[at + k] > c->score[at + best])
            best = k;
    }
    return best;
}

void pipeline_rate_cells(const struct clip_calibration *calibration, struct pipeline_cells *c)
{
    for (size_t i = 0; i < c->page->n_slots; i++) {
        double sum = 0;
        if (!c->seen[i])
            continue;
        const unsigned best = rate(calibration, c, i);
        for (unsigned k = 0; k < PIPELINE_TOP; k++)
            sum +=
                exp((double) (c->score[i * PIPELINE_TOP + k] - c->score[i * PIPELINE_TOP + best]));
        c->cell[i] = (uint8_t) c->top[i * PIPELINE_TOP + best];
        c->p[i] = (float) (1 / sum);
    }
}
