#version 450
/* SPDX-License-Identifier: Apache-2.0
 *
 * y[c][t] = a * f(x[c][t]) + b * y[c][t]; with b = 0 the old y is not read. Y may be X.
 * Bindings: X activations C4, Y0 = Y as texels, Y output C4.
 * Spec: KIND = f, by the numbers of include/activation.glsl.
 * Dispatch: x = ceil(n_t / (4 * WG)), y = quads.
 */
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "include/activation.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const int WG = 8;
layout(constant_id = 1) const int KIND = ACT_NONE;

layout(binding = 0, rgba32f) readonly uniform imageBuffer X;
layout(binding = 1, rgba32f) readonly uniform imageBuffer Y0;
layout(std430, binding = 2) writeonly buffer Y_ { vec4 Y[]; };

layout(push_constant) uniform Push {
    int n_t;
    int x_stride, x0, y_stride, y0;
    float slope, a, b;
} push;

void main()
{
    int quad = int(gl_WorkGroupID.y);
    int t0 = int(gl_WorkGroupID.x) * 4 * WG + int(gl_LocalInvocationID.x);

    [[unroll]] for (int j = 0; j < 4; j++) {
        int t = t0 + j * WG;
        int at = quad * push.y_stride + push.y0 + t;

        if (t < push.n_t) {
            vec4 v = imageLoad(X, quad * push.x_stride + push.x0 + t);

            v = push.a * activate(v, KIND, push.slope);
            if (push.b != 0.0)
                v += push.b * imageLoad(Y0, at);
            Y[at] = v;
        }
    }
}
