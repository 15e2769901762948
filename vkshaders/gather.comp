#version 450
/* SPDX-License-Identifier: Apache-2.0
 *
 * y[c][t] = x[c][index[t]], or y += with `accumulate`: rows of an embedding table (stored C4 like
 * an activation, rows in the place of t), length regulation, class tokens.
 * Bindings: X table C4, INDEX checked by the host, Y0 = Y as texels, Y output C4.
 * Dispatch: x = ceil(n_t / WG), y = ceil(quads / 8); an index is loaded once for 8 quads.
 */
layout(local_size_x_id = 0) in;
layout(constant_id = 0) const int WG = 8;

layout(binding = 0, rgba32f) readonly uniform imageBuffer X;
layout(std430, binding = 1) readonly buffer Index_ { uint index[]; };
layout(binding = 2, rgba32f) readonly uniform imageBuffer Y0;
layout(std430, binding = 3) writeonly buffer Y_ { vec4 Y[]; };

layout(push_constant) uniform Push {
    int n_t, quads;
    int x_stride, x0, y_stride, y0;
    int accumulate;
} push;

void main()
{
    int t = int(gl_WorkGroupID.x) * WG + int(gl_LocalInvocationID.x);
    int first = int(gl_WorkGroupID.y) * 8;

    if (t >= push.n_t)
        return;
    int from = push.x0 + int(index[t]);
    for (int i = first; i < min(first + 8, push.quads); i++) {
        int at = i * push.y_stride + push.y0 + t;
        vec4 v = imageLoad(X, i * push.x_stride + from);

        if (push.accumulate != 0)
            v += imageLoad(Y0, at);
        Y[at] = v;
    }
}
