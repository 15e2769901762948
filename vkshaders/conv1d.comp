#version 450
/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution over time, also as a linear layer (one tap) and, one phase a workgroup z, as a
 * transposed convolution:
 *
 *   y[co][t*y_step + z - y_shift] = scale * (post(b[co] + sum_ci,k w[z][co][ci][k]
 *                                   * pre(x[ci][t*x_step + x0 + k*tap_step])) + r[co][..]) (+ y)
 *
 * Bindings: X activations C4, W filter [phase][co/8][ci/4][tap][8 co][4 ci] (rgba32f, or rgba16f
 *   with HALF), B bias [co/4], R residual C4, Y0 = Y as texels, Y output C4. Sums in f32.
 * Dispatch: x = ceil(n_t / (32 * WG / 8)), y = ceil(octets / OCTETS), z = phases.
 *
 * Each group of 8 lanes holds OCTETS*8 channels x 32 times in registers; lanes are times. A step
 * reads 8x4 weights a fetch, lane = co, and broadcasts them by shuffles at constant indices: no
 * load but texel loads, which is what lavapipe is fast at (docs/vulkan.md).
 */
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "include/conv1d.glsl"
#include "include/lanes.glsl"

const int BLOCKS = 4; // of 8 times

void main()
{
    int t0 = (int(gl_WorkGroupID.x) * (WG / 8) + group) * 8 * BLOCKS + lane;
    int octet0 = int(gl_WorkGroupID.y) * OCTETS;
    int wi = (int(gl_WorkGroupID.z) * push.octets + octet0) * push.steps * 8 + lane;
    int xi = push.x0 + t0 * push.x_step;
    int tap = 0;
    float c[OCTETS * 8][BLOCKS];

    [[unroll]] for (int i = 0; i < OCTETS * 8; i++)
        [[unroll]] for (int j = 0; j < BLOCKS; j++)
            c[i][j] = 0.0;
    for (int q = 0; q < push.steps; q++) {
        vec4 w[OCTETS], x[BLOCKS];

        [[unroll]] for (int i = 0; i < OCTETS; i++)
            w[i] = imageLoad(W, wi + (i * push.steps + q) * 8);
        [[unroll]] for (int j = 0; j < BLOCKS; j++)
            x[j] = read_x(xi + j * 8 * push.x_step);
        tap++;
        xi += tap == push.taps ? push.row_step : push.tap_step;
        tap = tap == push.taps ? 0 : tap;
        [[unroll]] for (int i = 0; i < OCTETS * 8; i++)
            [[unroll]] for (int u = 0; u < 4; u++) {
                float s = LANE(w[i / 8][u], i & 7);

                [[unroll]] for (int j = 0; j < BLOCKS; j++)
                    c[i][j] += s * x[j][u];
            }
    }
    [[unroll]] for (int i = 0; i < OCTETS * 2; i++) {
        vec4 b = imageLoad(B, octet0 * 2 + i);

        [[unroll]] for (int j = 0; j < BLOCKS; j++)
            store(octet0 * 2 + i, t0 + j * 8,
                  vec4(c[i * 4][j], c[i * 4 + 1][j], c[i * 4 + 2][j], c[i * 4 + 3][j]) + b);
    }
}
