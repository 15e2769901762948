#version 450
/* SPDX-License-Identifier: Apache-2.0
 *
 * Self-attention with a streamed softmax (Milakov and Gimelshein 2018, arXiv 1805.02867):
 *
 *   y[h][t] = sum_s softmax_s(scale * q[h][t] . k[h][s]) v[h][s],   s < valid[sequence]
 *
 * Bindings: X = q | k | v, C4, D channels each; VALID keys of each sequence; Y output C4.
 * Lanes are queries, BLOCKS of 8 a group; keys come 8 at a time, lane = key, and are broadcast by
 * shuffles. With PORTABLE each key is fetched by itself instead, at an index common to all lanes.
 * Spec: QUADS = channels of a head / 4 (accumulators live in registers).
 * Dispatch: x = ceil(seq / (8 * BLOCKS * WG / 8)), y = heads, z = sequences.
 */
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require

layout(local_size_x_id = 0) in;
layout(constant_id = 0) const int WG = 8;
layout(constant_id = 1) const int QUADS = 8;

layout(binding = 0, rgba32f) readonly uniform imageBuffer X;
layout(std430, binding = 1) readonly buffer Valid_ { uint valid[]; };
layout(std430, binding = 2) writeonly buffer Y_ { vec4 Y[]; };

layout(push_constant) uniform Push {
    int seq;
    int quads; // D / 4
    int x_stride, x0, y_stride, y0;
    float scale;
} push;

#ifdef PORTABLE
const int BLOCKS = 1;
int lane = int(gl_LocalInvocationID.x) & 7;
int group = int(gl_LocalInvocationID.x) >> 3;
#define FETCH(i) vec4(0) // keys are fetched where they are used
#define KEY(texel, i, key) imageLoad(X, (i) + min(key, last))
#else
#include "include/lanes.glsl"
const int BLOCKS = 4;
#define FETCH(i) imageLoad(X, (i) + min(lane, last))
#define KEY(texel, i, key) LANE(texel, key)
#endif

void main()
{
    int sequence = int(gl_WorkGroupID.z), head = int(gl_WorkGroupID.y);
    int t0 = (int(gl_WorkGroupID.x) * (WG / 8) + group) * 8 * BLOCKS + lane;
    int first = push.x0 + sequence * push.seq; // texel of the sequence in quad 0
    int qi = first + head * QUADS * push.x_stride;
    int ki = qi + push.quads * push.x_stride, vi = ki + push.quads * push.x_stride;
    int n_keys = int(valid[sequence]);
    vec4 acc[QUADS][BLOCKS];
    float top[BLOCKS], sum[BLOCKS];

    [[unroll]] for (int j = 0; j < BLOCKS; j++) {
        top[j] = -1e30;
        sum[j] = 0.0;
        [[unroll]] for (int i = 0; i < QUADS; i++)
            acc[i][j] = vec4(0);
    }
    for (int s = 0; s < n_keys; s += 8) {
        int last = n_keys - 1 - s; // beyond it memory may hold NaN, and 0 * NaN is not 0
        float p[8][BLOCKS];

        [[unroll]] for (int key = 0; key < 8; key++)
            [[unroll]] for (int j = 0; j < BLOCKS; j++)
                p[key][j] = 0.0;
        for (int i = 0; i < QUADS; i++) { // scores
            int at = ki + i * push.x_stride + s;
            vec4 k = FETCH(at);
            vec4 q[BLOCKS];

            [[unroll]] for (int j = 0; j < BLOCKS; j++)
                q[j] = imageLoad(X, qi + i * push.x_stride + t0 + j * 8);
            [[unroll]] for (int key = 0; key < 8; key++) {
                vec4 one = KEY(k, at, key);

                [[unroll]] for (int j = 0; j < BLOCKS; j++)
                    p[key][j] += dot(one, q[j]);
            }
        }
        [[unroll]] for (int j = 0; j < BLOCKS; j++) { // softmax so far
            float best = top[j], part = 0.0;

            [[unroll]] for (int key = 0; key < 8; key++) {
                p[key][j] = s + key < n_keys ? p[key][j] * push.scale : -1e30;
                best = max(best, p[key][j]);
            }
            [[unroll]] for (int key = 0; key < 8; key++) {
                p[key][j] = s + key < n_keys ? exp(p[key][j] - best) : 0.0;
                part += p[key][j];
            }
            float shrink = exp(top[j] - best);

            top[j] = best;
            sum[j] = sum[j] * shrink + part;
            [[unroll]] for (int i = 0; i < QUADS; i++)
                acc[i][j] *= shrink;
        }
        [[unroll]] for (int i = 0; i < QUADS; i++) { // values
            int at = vi + i * push.x_stride + s;
            vec4 v = FETCH(at);

            [[unroll]] for (int key = 0; key < 8; key++) {
                vec4 one = KEY(v, at, key);

                [[unroll]] for (int j = 0; j < BLOCKS; j++)
                    acc[i][j] += p[key][j] * one;
            }
        }
    }
    [[unroll]] for (int j = 0; j < BLOCKS; j++)
        if (t0 + j * 8 < push.seq)
            [[unroll]] for (int i = 0; i < QUADS; i++)
                Y[(head * QUADS + i) * push.y_stride + push.y0 + sequence * push.seq + t0 + j * 8] =
                    acc[i][j] / sum[j];
}
