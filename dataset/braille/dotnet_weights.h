/* SPDX-License-Identifier: Apache-2.0
 *
 * The weights of dotnet.c, made from data/dotnet.f16 by make_dotnet.py; private to it. Filters are
 * [input][height][width][output].
 */
#pragma once

extern const float brl_dotnet_a_weight[1 * 5 * 5 * 8], brl_dotnet_a_bias[8];
extern const float brl_dotnet_b_weight[8 * 3 * 3 * 16], brl_dotnet_b_bias[16];
extern const float brl_dotnet_c_weight[6 * 6 * 16 * 24], brl_dotnet_c_bias[24];
extern const float brl_dotnet_d_weight[3 * 24], brl_dotnet_d_bias[3];
