/* SPDX-License-Identifier: Apache-2.0
 *
 * What conv1d.comp and conv1d_portable.comp share: bindings, push block and the store. See
 * conv1d.comp for the formula.
 */
#ifndef CONV1D_GLSL
#define CONV1D_GLSL

#include "activation.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const int WG = 8;
layout(constant_id = 1) const int POST = ACT_NONE;
layout(constant_id = 2) const int PRE = 0; // leaky ReLU with slope 0 .. 1 on x as it is read
layout(constant_id = 3) const int ADD = 0; // there is a residual, or y is added to
layout(constant_id = 4) const int OCTETS = 4; // output channels of a tile, in eights

layout(binding = 0, rgba32f) readonly uniform imageBuffer X;
#ifdef HALF
layout(binding = 1, rgba16f) readonly uniform imageBuffer W;
#else
layout(binding = 1, rgba32f) readonly uniform imageBuffer W;
#endif
layout(binding = 2, rgba32f) readonly uniform imageBuffer B;
layout(binding = 3, rgba32f) readonly uniform imageBuffer R;
layout(binding = 4, rgba32f) readonly uniform imageBuffer Y0; // the same memory as Y
layout(std430, binding = 5) writeonly buffer Y_ { vec4 Y[]; };

layout(push_constant) uniform Push {
    int steps;      // (channels in / 4) * taps
    int taps;
    int tap_step;   // texels from tap to tap: the dilation, or -1
    int row_step;   // texels from the last tap of a quad to the first of the next
    int x0;         // texel of tap 0 of quad 0 at t = 0
    int x_step;     // texels from t to t + 1: the stride
    int n_t;     // how many t
    int octets;     // output channels in eights, of one phase
    int quads;      // quads of y to be stored
    int y_stride, y0, y_step, y_shift; // t of phase z is stored at t * y_step + z - y_shift
    int y_length;   // if that lies in 0 .. y_length
    int r_stride, r0;
    int has_residual, accumulate;
    float pre_slope, post_slope, scale;
} push;

vec4 read_x(int i)
{
    vec4 v = imageLoad(X, i);
    return PRE != 0 ? max(v, push.pre_slope * v) : v;
}

void store(int quad, int t, vec4 v)
{
    int at = t * push.y_step + int(gl_WorkGroupID.z) - push.y_shift;
    if (t >= push.n_t || at < 0 || at >= push.y_length || quad >= push.quads)
        return;
    v = activate(v, POST, push.post_slope);
    if (ADD != 0) {
        if (push.has_residual != 0)
            v += imageLoad(R, quad * push.r_stride + push.r0 + at);
        v *= push.scale;
        if (push.accumulate != 0)
            v += imageLoad(Y0, quad * push.y_stride + push.y0 + at);
    } else {
        v *= push.scale;
    }
    Y[quad * push.y_stride + push.y0 + at] = v;
}

#endif
