#version 450
/* SPDX-License-Identifier: Apache-2.0
 *
 * y[c][t] = exp(x[c][t] - max_c x) / sum_c exp(x[c][t] - max_c x). Y may be X.
 * Bindings and push block: include/rows.glsl. Dispatch: x = ceil(n_t / WG).
 */
#extension GL_GOOGLE_include_directive : require
#include "include/rows.glsl"

void main()
{
    vec4 m4 = vec4(-3.4e38), s = vec4(0);

    for (int i = 0; i < push.quads; i++)
        m4 = max(m4, mix(vec4(-3.4e38), load(i), real(i)));
    float m = max(max(m4.x, m4.y), max(m4.z, m4.w));
    for (int i = 0; i < push.quads; i++)
        s += mix(vec4(0), exp(load(i) - m), real(i));
    float r = 1.0 / (s.x + s.y + s.z + s.w);
    for (int i = 0; i < push.quads; i++)
        store(i, mix(vec4(0), exp(load(i) - m) * r, real(i)));
}
