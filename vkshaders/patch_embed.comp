#version 450
/* SPDX-License-Identifier: Apache-2.0
 *
 * Patches of pictures to tokens (Dosovitskiy et al. 2020, arXiv 2010.11929):
 *
 *   y[co][n (1 + P)]         = place[co][0]                                    (class row included)
 *   y[co][n (1 + P) + 1 + p] = sum_c,dy,dx w[co][c][dy][dx] x[n][c][py*ph+dy][px*pw+dx]
 *                              + place[co][1 + p],   p = py * (width / pw) + px
 *
 * Bindings: X pixels, one in the first channel of a texel; W [co/4][c][dy][dx][4 co]; P = place
 *   [co/4][1 + P]; Y output C4. Lanes are tokens, 4 quads of co each.
 * Dispatch: x = ceil(n (1 + P) / (4 * WG)), y = ceil(quads / 4).
 */
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const int WG = 8;

layout(binding = 0, rgba32f) readonly uniform imageBuffer X;
layout(binding = 1, rgba32f) readonly uniform imageBuffer W;
layout(binding = 2, rgba32f) readonly uniform imageBuffer P;
layout(std430, binding = 3) writeonly buffer Y_ { vec4 Y[]; };

layout(push_constant) uniform Push {
    int n_t, quads;
    int channels, width, height, patch_width, patch_height;
    int patches; // of one picture
    int x0, y_stride, y0;
} push;

const int BLOCKS = 4; // of WG tokens

void main()
{
    int t0 = int(gl_WorkGroupID.x) * BLOCKS * WG + int(gl_LocalInvocationID.x);
    int quad = int(gl_WorkGroupID.y) * 4;
    int columns = push.width / push.patch_width;
    int size = push.channels * push.patch_height * push.patch_width;
    int k = 0;
    int corner[BLOCKS], token[BLOCKS];
    vec4 acc[4][BLOCKS];

    [[unroll]] for (int j = 0; j < BLOCKS; j++) {
        int t = t0 + j * WG;

        token[j] = t % (1 + push.patches);
        int at = max(token[j] - 1, 0); // the class token computes a patch in vain
        corner[j] = t / (1 + push.patches) * push.channels * push.width * push.height +
                    at / columns * push.patch_height * push.width +
                    at % columns * push.patch_width + push.x0;
        [[unroll]] for (int i = 0; i < 4; i++)
            acc[i][j] = vec4(0);
    }
    for (int c = 0; c < push.channels; c++)
        for (int dy = 0; dy < push.patch_height; dy++)
            for (int dx = 0; dx < push.patch_width; dx++) {
                int pixel = (c * push.height + dy) * push.width + dx;
                float x[BLOCKS];

                [[unroll]] for (int j = 0; j < BLOCKS; j++)
                    x[j] = imageLoad(X, corner[j] + pixel).x;
                [[unroll]] for (int i = 0; i < 4; i++) {
                    vec4 w = imageLoad(W, (quad + i) * size + k);

                    [[unroll]] for (int j = 0; j < BLOCKS; j++)
                        acc[i][j] += x[j] * w;
                }
                k++;
            }
    [[unroll]] for (int j = 0; j < BLOCKS; j++)
        [[unroll]] for (int i = 0; i < 4; i++)
            if (t0 + j * WG < push.n_t && quad + i < push.quads)
                Y[(quad + i) * push.y_stride + push.y0 + t0 + j * WG] =
                    (token[j] > 0 ? acc[i][j] : vec4(0)) +
                    imageLoad(P, (quad + i) * (1 + push.patches) + token[j]);
}
