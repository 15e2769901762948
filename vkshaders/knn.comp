#version 450
/* SPDX-License-Identifier: Apache-2.0
 *
 * For each query the K largest a . b of a bank, best first, ties to the lower index. The bank is
 * cut into parts, one a workgroup y; the host merges their lists.
 *
 * Bindings: X queries C4, B bank C4, D dot products and I indices [part][query][K].
 * Lanes are queries; 8 rows of the bank at a time, fetched at an index common to all lanes.
 * Spec: K, 1 .. 16. Places without a row of the bank keep -inf (-3.4e38) and index 0xffffffff.
 * Dispatch: x = ceil(n / (4 * WG)), y = ceil(m / part).
 */
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const int WG = 8;
layout(constant_id = 1) const int K = 1;

layout(binding = 0, rgba32f) readonly uniform imageBuffer X;
layout(binding = 1, rgba32f) readonly uniform imageBuffer B;
layout(std430, binding = 2) writeonly buffer D_ { float dots[]; };
layout(std430, binding = 3) writeonly buffer I_ { uint indices[]; };

layout(push_constant) uniform Push {
    int n, m, quads, part;
    int x_stride, x0, b_stride, b0;
} push;

const int BLOCKS = 4; // of WG queries: a row of the bank is fetched once for all of them

void main()
{
    int t0 = int(gl_WorkGroupID.x) * BLOCKS * WG + int(gl_LocalInvocationID.x);
    int from = int(gl_WorkGroupID.y) * push.part, to = min(from + push.part, push.m);
    float best[K][BLOCKS];
    uint who[K][BLOCKS];

    [[unroll]] for (int i = 0; i < K; i++)
        [[unroll]] for (int j = 0; j < BLOCKS; j++) {
            best[i][j] = -3.4e38;
            who[i][j] = 0xffffffffu;
        }
    for (int row = from; row < to; row += 8) {
        float sum[8][BLOCKS];

        [[unroll]] for (int r = 0; r < 8; r++)
            [[unroll]] for (int j = 0; j < BLOCKS; j++)
                sum[r][j] = 0.0;
        for (int i = 0; i < push.quads; i++) {
            vec4 x[BLOCKS];

            [[unroll]] for (int j = 0; j < BLOCKS; j++)
                x[j] = imageLoad(X, i * push.x_stride + push.x0 + t0 + j * WG);
            [[unroll]] for (int r = 0; r < 8; r++) {
                vec4 b = imageLoad(B, i * push.b_stride + push.b0 + row + r);

                [[unroll]] for (int j = 0; j < BLOCKS; j++)
                    sum[r][j] += dot(b, x[j]);
            }
        }
        [[unroll]] for (int r = 0; r < 8; r++)
            [[unroll]] for (int j = 0; j < BLOCKS; j++) {
                float v = row + r < to ? sum[r][j] : -3.4e38;
                uint id = uint(row + r);
                bool shift = false; // what stands below the place found moves down by one

                [[unroll]] for (int i = 0; i < K; i++) {
                    float old = best[i][j];
                    uint old_id = who[i][j];

                    shift = shift || v > old;
                    best[i][j] = shift ? v : old;
                    who[i][j] = shift ? id : old_id;
                    v = shift ? old : v;
                    id = shift ? old_id : id;
                }
            }
    }
    [[unroll]] for (int j = 0; j < BLOCKS; j++) {
        int t = t0 + j * WG;
        int at = (int(gl_WorkGroupID.y) * push.n + t) * K;

        if (t < push.n)
            [[unroll]] for (int i = 0; i < K; i++) {
                dots[at + i] = best[i][j];
                indices[at + i] = who[i][j];
            }
    }
}
