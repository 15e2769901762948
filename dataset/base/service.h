/* SPDX-License-Identifier: Apache-2.0
 *
 * What the daemon is called on the bus; it and its clients agree on it here.
 */
#pragma once

#define SERVICE_NAME "org.brailled.Brailled1"
enum { SERVICE_NAME_BYTES = 96, SERVICE_INSTANCE_BYTES = 64 };

/**
 * The bus name of one of several daemons, as brailled@INSTANCE.service starts them: "1" is
 * org.brailled.Brailled1.device1, as an element of a bus name may not begin with a digit; what is
 * neither letter nor digit becomes "_". NULL: the daemon without an instance.
 *
 * @return 0; -EINVAL: it is empty or has more than 63 bytes
 */
int service_name(const char *instance, char out[SERVICE_NAME_BYTES]);
