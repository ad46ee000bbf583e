// SPDX-License-Identifier: Apache-2.0
// Reads lines "PORT NAME FILE": asks https://NAME:PORT/, where FILE is a trusted certificate.

async function ask(port, name, file) {
    const caCerts = [await Deno.readTextFile(file)];
    const plain = await Deno.connect({ hostname: '127.0.0.1', port: Number(port) });
    const tls = await Deno.startTls(plain, { hostname: name, caCerts });
    try {
        await tls.write(new TextEncoder().encode('GET / HTTP/1.0\r\n\r\n'));
        const answer = new Uint8Array(100);
        const count = await tls.read(answer);
        const text = new TextDecoder().decode(answer.subarray(0, count ?? 0));
        return `answered ${text.split(' ')[1]}`;
    } catch (error) {
        return `${/certificate/.test(error.message) ? 'refused' : 'failed'} ${error.message}`;
    } finally {
        tls.close();
    }
}

let buffer = '';
for await (const part of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    buffer += part;
    const lines = buffer.split('\n');
    buffer = lines.pop();
    for (const line of lines) {
        console.log((await ask(...line.split(' '))).split('\n')[0]);
    }
}
