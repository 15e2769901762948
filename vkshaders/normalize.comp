#version 450
/* SPDX-License-Identifier: Apache-2.0
 *
 * y[c][t] = x[c][t] / max(|x[.][t]|, limit): rows of length 1; a zero row stays zero. Y may be X.
 * Bindings and push block: include/rows.glsl. Dispatch: x = ceil(n_t / WG).
 */
#extension GL_GOOGLE_include_directive : require
#include "include/rows.glsl"

void main()
{
    vec4 s = vec4(0);

    for (int i = 0; i < push.quads; i++)
        s += load(i) * load(i);
    float r = 1.0 / max(sqrt(s.x + s.y + s.z + s.w), push.limit);
    for (int i = 0; i < push.quads; i++)
        store(i, load(i) * r);
}
