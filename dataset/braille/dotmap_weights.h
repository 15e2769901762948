/* SPDX-License-Identifier: Apache-2.0
 *
 * The weights of dotmap.c, made from data/dotmap.f16 by make_weights.py; private to it. Filters are
 * [input][height][width][output].
 */
#pragma once

extern const float brl_dotmap_a_weight[1 * 5 * 5 * 16], brl_dotmap_a_bias[16];
extern const float brl_dotmap_b_weight[16 * 3 * 3 * 32], brl_dotmap_b_bias[32];
extern const float brl_dotmap_c_weight[32 * 3 * 3 * 32], brl_dotmap_c_bias[32];
extern const float brl_dotmap_d_weight[32 * 3 * 3 * 32], brl_dotmap_d_bias[32];
extern const float brl_dotmap_e_weight[32 * 3 * 3 * 32], brl_dotmap_e_bias[32];
extern const float brl_dotmap_f_weight[32 * 3 * 3 * 32], brl_dotmap_f_bias[32];
extern const float brl_dotmap_head_weight[32 * 6], brl_dotmap_head_bias[6];
