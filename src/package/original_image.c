/* SPDX-License-Identifier: Apache-2.0 */
/* To come. */
typedef int original_image_to_come;
