#version 450
/* SPDX-License-Identifier: Apache-2.0
 *
 * Harmonic excitation from the pitch (the source of NSF vocoders, Wang et al. 2019, arXiv
 * 1810.11946). Frame f of `hop` samples holds at its centre the phase in cycles; between centres
 * it is linear, beyond the first and last it stands still:
 *
 *   u = (i + 0.5) / hop - 0.5 within 0 .. frames - 1,  cycles = phase[floor u] + frac(u) * step
 *   s[i] = tanh(bias + sum_h weight[h] * sin(2 pi h cycles) * voiced[i / hop])
 *
 * Bindings: F frames (phase mod 1, step to the next frame or 0 in the last, voiced 0 or 1, -), then
 *   the weights, 4 a texel; Y channel c at t is sample 4 t + c; quad 1 is padding and set to 0.
 * Dispatch: x = ceil(n_t / WG).
 */
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "include/activation.glsl"

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const int WG = 8;

layout(binding = 0, rgba32f) readonly uniform imageBuffer F;
layout(std430, binding = 1) writeonly buffer Y_ { vec4 Y[]; };

layout(push_constant) uniform Push {
    int n_t, frames, hop, harmonics;
    int y_stride, y0;
    float bias;
} push;

void main()
{
    int t = int(gl_WorkGroupID.x) * WG + int(gl_LocalInvocationID.x);
    vec4 i = 4.0 * float(t % (push.hop / 4)) + vec4(0, 1, 2, 3); // sample within its frame
    int frame = min(t / (push.hop / 4), push.frames - 1);
    vec4 u = (i + 0.5) / float(push.hop) - 0.5; // from the centre of `frame`: -0.5 .. 0.5
    vec4 here = imageLoad(F, frame), last = imageLoad(F, max(frame - 1, 0));
    /* before the first centre the phase stands still; after the last the host gave a step of 0 */
    vec4 until = last.x + (frame == 0 ? vec4(0) : (u + 1.0) * last.y);
    vec4 cycles = mix(here.x + u * here.y, until, lessThan(u, vec4(0)));
    vec4 sum = vec4(0);

    for (int h = 0; h < push.harmonics; h++) {
        float weight = imageLoad(F, push.frames + h / 4)[h & 3];
        vec4 c = float(h + 1) * cycles;

        sum += weight * sin(6.28318530718 * (c - round(c)));
    }
    if (t >= push.n_t)
        return;
    Y[push.y0 + t] = tanh4(push.bias + here.z * sum);
    Y[push.y_stride + push.y0 + t] = vec4(0);
}
