/* SPDX-License-Identifier: Apache-2.0
 *
 * Slaney's mel scale, that of the mel bank of models/recipes/common.py: linear to 1 kHz, then 27
 * steps a factor of 6.4 (Auditory Toolbox, 1998).
 */
#pragma once

#include <math.h>

static inline double slaney_hz(double mel)
{
    return mel < 15 ? mel * 200 / 3 : 1000 * exp((mel - 15) * log(6.4) / 27);
}

static inline double slaney_mel(double hz)
{
    return hz < 1000 ? hz * 3 / 200 : 15 + 27 * log(hz / 1000) / log(6.4);
}
