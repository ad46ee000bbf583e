// SPDX-License-Identifier: Apache-2.0
// Reads lines "PORT NAME FILE": asks https://NAME:PORT/, where FILE is the one trusted certificate.
'use strict';
const fs = require('fs');
const https = require('https');
const readline = require('readline');

const here = (name, options, done) =>
    options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);

function ask(port, name, file) {
    const options = { ca: fs.readFileSync(file), lookup: here, agent: false, timeout: 20000 };
    return new Promise((resolve) => {
        const request = https.get(`https://${name}:${port}/`, options, (response) => {
            response.resume();
            response.on('end', () => resolve(`answered ${response.statusCode}`));
        });
        request.on('timeout', () => request.destroy(new Error('timed out')));
        request.on('error', (error) => {
            // Without a connection, or with one that is broken, nothing was judged.
            const broken = !error.code || /^(ECONN|ETIME|EPROTO|ERR_SSL)/.test(error.code);
            resolve(`${broken ? 'failed' : 'refused'} ${error.code} ${error.message}`);
        });
    });
}

async function main() {
    for await (const line of readline.createInterface({ input: process.stdin })) {
        console.log((await ask(...line.split(' '))).split('\n')[0]);
    }
}

main();
