// SPDX-License-Identifier: Apache-2.0
// A program that knows nothing of certificates: prints what an address answers.
require('https').get('https://app.example.org/', (answer) => answer.pipe(process.stdout));
