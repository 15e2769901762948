#version 450
/* SPDX-License-Identifier: Apache-2.0
 *
 * Layer norm over channels at each t, of the sum with a residual:
 *
 *   s = x + r,  y[c][t] = (s[c][t] - mean_c s) / sqrt(var_c s + eps) * gamma[c] + beta[c]
 *
 * Bindings: X, R activations C4 (R is read when RESIDUAL), G = gamma [c/4] then beta [c/4],
 *   Y output C4, may be X or R. Lanes are t. Padding channels come out 0, as gamma and beta are.
 * Dispatch: x = ceil(n_t / WG).
 */
layout(local_size_x_id = 0) in;
layout(constant_id = 0) const int WG = 8;
layout(constant_id = 1) const int RESIDUAL = 0;

layout(binding = 0, rgba32f) readonly uniform imageBuffer X;
layout(binding = 1, rgba32f) readonly uniform imageBuffer R;
layout(binding = 2, rgba32f) readonly uniform imageBuffer G;
layout(std430, binding = 3) writeonly buffer Y_ { vec4 Y[]; };

layout(push_constant) uniform Push {
    int channels, quads, n_t;
    int x_stride, x0, r_stride, r0, y_stride, y0;
    float eps;
} push;

vec4 load(int i, int t)
{
    vec4 v = imageLoad(X, i * push.x_stride + push.x0 + t);
    if (RESIDUAL != 0)
        v += imageLoad(R, i * push.r_stride + push.r0 + t);
    return v;
}

void main()
{
    int t = int(gl_WorkGroupID.x) * WG + int(gl_LocalInvocationID.x);
    int whole = push.channels / 4; // quads without padding
    float n = float(push.channels);
    vec4 s = vec4(0), s2 = vec4(0);

    for (int i = 0; i < push.quads; i += 2) // padding channels are 0, quads come in pairs
        s += load(i, t) + load(i + 1, t);
    float mean = (s.x + s.y + s.z + s.w) / n;
    for (int i = 0; i < whole; i++) {
        vec4 d = load(i, t) - mean;
        s2 += d * d;
    }
    if (whole * 4 < push.channels) {
        ivec4 c = ivec4(0, 1, 2, 3) + 4 * whole;
        vec4 d = mix(vec4(0), load(whole, t) - mean, lessThan(c, ivec4(push.channels)));
        s2 += d * d;
    }
    float r = 1.0 / sqrt((s2.x + s2.y + s2.z + s2.w) / n + push.eps);
    if (t >= push.n_t)
        return;
    for (int i = 0; i < push.quads; i++)
        Y[i * push.y_stride + push.y0 + t] =
            (load(i, t) - mean) * r * imageLoad(G, i) + imageLoad(G, push.quads + i);
}
