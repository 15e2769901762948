/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels from one activation to another of the same shape: bindings X, Y; lanes are t.
 */
#ifndef ROWS_GLSL
#define ROWS_GLSL

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const int WG = 8;

layout(binding = 0, rgba32f) readonly uniform imageBuffer X;
layout(std430, binding = 1) writeonly buffer Y_ { vec4 Y[]; };

layout(push_constant) uniform Push {
    int channels, quads, n_t;
    int x_stride, x0, y_stride, y0;
    float limit; // meaning is the kernel's
} push;

int t = int(gl_WorkGroupID.x) * WG + int(gl_LocalInvocationID.x);

vec4 load(int i)
{
    return imageLoad(X, i * push.x_stride + push.x0 + t);
}

/* Which of the four channels of quad i are no padding. */
bvec4 real(int i)
{
    return lessThan(ivec4(0, 1, 2, 3) + 4 * i, ivec4(push.channels));
}

void store(int i, vec4 v)
{
    if (t < push.n_t)
        Y[i * push.y_stride + push.y0 + t] = v;
}

#endif
