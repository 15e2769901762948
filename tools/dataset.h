/* SPDX-License-Identifier: Apache-2.0
 *
 * The sub-commands of braille-dataset. Each gets its own argument vector (argv[0] its name) and
 * returns an exit code of docs/contracts.md.
 */
#pragma once

int dataset_crop(int argc, char **argv);
