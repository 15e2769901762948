/* SPDX-License-Identifier: Apache-2.0
 *
 * Lanes in groups of 8, whatever the size of a subgroup: `lane` in the group, `group` in the
 * workgroup, and LANE(v, i): v of lane i of this group. Needs full subgroups of at least 8.
 */
#ifndef LANES_GLSL
#define LANES_GLSL

#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require

int lane = int(gl_SubgroupInvocationID) & 7;
int group = int(gl_SubgroupID * (gl_SubgroupSize / 8u) + (gl_SubgroupInvocationID >> 3));

/* With one group a workgroup (lavapipe) the index is a constant, which is four times faster. */
uint group_base = WG == 8 ? 0u : (gl_SubgroupInvocationID & ~7u);
#define LANE(v, i) subgroupShuffle(v, group_base + uint(i))

#endif
