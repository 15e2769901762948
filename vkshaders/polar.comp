#version 450
/* SPDX-License-Identifier: Apache-2.0
 *
 * Head of an inverse-STFT generator (iSTFTNet, arXiv 2203.02395), h = channels / 2:
 *
 *   e = exp(min(x[c], limit)), p = pi sin(x[c + h]);  y[c] = e cos p, y[c + h] = e sin p,  c < h
 *
 * Bindings and push block: include/rows.glsl; Y is not X. Dispatch: x = ceil(n_t / WG),
 * y = quads.
 */
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "include/rows.glsl"

float channel(int c)
{
    return load(c / 4)[c & 3];
}

void main()
{
    int quad = int(gl_WorkGroupID.y), h = push.channels / 2;
    vec4 y;

    [[unroll]] for (int u = 0; u < 4; u++) {
        int c = quad * 4 + u;
        bool imaginary = c >= h;
        int a = imaginary ? c - h : c;
        float e = exp(min(channel(a), push.limit));
        float p = 3.14159265359 * sin(channel(min(a + h, push.channels - 1)));

        y[u] = c < 2 * h ? e * (imaginary ? sin(p) : cos(p)) : 0.0;
    }
    store(quad, y);
}
