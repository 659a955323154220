// Every exported function has a comment above it and is used in a test.
import { readdirSync, readFileSync } from 'node:fs';

const read = (folder) => readdirSync(folder).map((name) => [`${folder}/${name}`, readFileSync(`${folder}/${name}`, 'utf8')]);
const tests = read('test').map(([, text]) => text).join('\n');
const faults = [];
for (const [file, text] of read('src')) {
  const lines = text.split('\n');
  lines.forEach((line, index) => {
    const name = /^export (?:async )?function (\w+)/.exec(line)?.[1];
    if (name === undefined) return;
    if (!lines[index - 1]?.trimEnd().endsWith('*/')) faults.push(`${file}:${index + 1}: ${name} has no comment`);
    if (!new RegExp(`\\b${name}\\(`).test(tests)) faults.push(`${file}:${index + 1}: ${name} is used in no test`);
  });
}
for (const fault of faults) console.error(fault);
console.log(faults.length === 0 ? 'every export is documented and tested' : `${faults.length} fault(s)`);
process.exitCode = faults.length === 0 ? 0 : 1;
