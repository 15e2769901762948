/* SPDX-License-Identifier: Apache-2.0
 *
 * The weights of dotnet.c, made from data/dotnet.f16 by make_weights.py; private to it. Filters are
 * [input][height][width][output].
 */
#pragma once

extern const float brl_dotnet_a_weight[1 * 5 * 5 * 12], brl_dotnet_a_bias[12];
extern const float brl_dotnet_b_weight[12 * 3 * 3 * 24], brl_dotnet_b_bias[24];
extern const float brl_dotnet_c_weight[6 * 6 * 24 * 32], brl_dotnet_c_bias[32];
extern const float brl_dotnet_d_weight[3 * 32], brl_dotnet_d_bias[3];
