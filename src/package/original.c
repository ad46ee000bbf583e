/* SPDX-License-Identifier: Apache-2.0 */
/* To come. */
typedef int original_to_come;
