#version 450
/* SPDX-License-Identifier: Apache-2.0
 *
 * conv1d.comp without subgroup operations: same formula, bindings and push block; the reference
 * and the fallback. Each lane holds OCTETS*8 channels x 2 times; weights are fetched one output
 * channel at a time, at an index that is the same for all lanes.
 * Dispatch: x = ceil(n_t / (2 * WG)), y = ceil(octets / OCTETS), z = phases.
 */
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

#include "include/conv1d.glsl"

const int BLOCKS = 2; // of WG times

void main()
{
    int t0 = int(gl_WorkGroupID.x) * WG * BLOCKS + int(gl_LocalInvocationID.x);
    int octet0 = int(gl_WorkGroupID.y) * OCTETS;
    int wi = (int(gl_WorkGroupID.z) * push.octets + octet0) * push.steps * 8;
    int xi = push.x0 + t0 * push.x_step;
    int tap = 0;
    float c[OCTETS * 8][BLOCKS];

    [[unroll]] for (int i = 0; i < OCTETS * 8; i++)
        [[unroll]] for (int j = 0; j < BLOCKS; j++)
            c[i][j] = 0.0;
    for (int q = 0; q < push.steps; q++) {
        vec4 x[BLOCKS];

        [[unroll]] for (int j = 0; j < BLOCKS; j++)
            x[j] = read_x(xi + j * WG * push.x_step);
        tap++;
        xi += tap == push.taps ? push.row_step : push.tap_step;
        tap = tap == push.taps ? 0 : tap;
        [[unroll]] for (int i = 0; i < OCTETS * 8; i++) {
            vec4 w = imageLoad(W, wi + ((i / 8) * push.steps + q) * 8 + (i & 7));

            [[unroll]] for (int j = 0; j < BLOCKS; j++)
                c[i][j] += dot(w, x[j]);
        }
    }
    [[unroll]] for (int i = 0; i < OCTETS * 2; i++) {
        vec4 b = imageLoad(B, octet0 * 2 + i);

        [[unroll]] for (int j = 0; j < BLOCKS; j++)
            store(octet0 * 2 + i, t0 + j * WG,
                  vec4(c[i * 4][j], c[i * 4 + 1][j], c[i * 4 + 2][j], c[i * 4 + 3][j]) + b);
    }
}
