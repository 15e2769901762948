/* SPDX-License-Identifier: Apache-2.0
 *
 * Activations on four channels. The numbers are those of enum nn_activation (models/nn/nn.h).
 */
#ifndef ACTIVATION_GLSL
#define ACTIVATION_GLSL

#define ACT_NONE 0
#define ACT_RELU 1
#define ACT_LRELU 2
#define ACT_GELU 3
#define ACT_QUICK_GELU 4
#define ACT_TANH 5

/* Error function, Abramowitz and Stegun 7.1.26: |error| < 1.5e-7, the precision of a float. */
vec4 erf4(vec4 x)
{
    vec4 a = abs(x);
    vec4 t = 1.0 / (1.0 + 0.3275911 * a);
    vec4 p = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t +
              0.254829592) * t;
    return sign(x) * (1.0 - p * exp(-a * a));
}

/* tanh(x) = 1 - 2 / (exp(2x) + 1), right at both ends without overflow to NaN; near zero, where
 * that cancels, the first terms of its series. */
vec4 tanh4(vec4 x)
{
    vec4 big = 1.0 - 2.0 / (exp(2.0 * x) + 1.0);
    vec4 s = x * x;
    vec4 small = x * (1.0 + s * (-1.0 / 3.0 + s * (2.0 / 15.0 - s * (17.0 / 315.0))));
    return mix(big, small, lessThan(abs(x), vec4(0.15)));
}

vec4 activate(vec4 v, int kind, float slope)
{
    if (kind == ACT_RELU)
        return max(v, 0.0);
    if (kind == ACT_LRELU)
        return max(v, 0.0) + slope * min(v, 0.0);
    if (kind == ACT_GELU)
        return 0.5 * v * (1.0 + erf4(v * 0.70710678));
    if (kind == ACT_QUICK_GELU)
        return v / (1.0 + exp(-1.702 * v));
    if (kind == ACT_TANH)
        return tanh4(v);
    return v;
}

#endif
