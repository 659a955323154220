// What the scripted agent does for each task of the sample.

const ROUNDING = `  return roundHalfUp(value);
}

/**
 * Cents of a decimal value, half a cent rounded away from zero. The shortest decimal text of a number is what its
 * author meant, so the digits are shifted there instead of multiplied: 1.005 * 100 is 100.49999999999999.
 */
function roundHalfUp(value) {
  const [digits, exponent = '0'] = String(Math.abs(value)).split('e');
  return Math.sign(value) * Math.round(Number(\`\${digits}e\${Number(exponent) + 2}\`)) || 0;
}
`;

const ROUNDING_TEST = `
test('rounds half a cent away from zero', () => {
  assert.deepEqual([1.005, 8.575, -1.005, '1.005', 0.004, -0.004].map(toCents), [101, 858, -101, 101, 0, 0]);
});
`;

/** Reads one character at a time. The first attempt forgets CRLF, which a test of the repository covers. */
const csvParser = (handlesCrlf) => `/** Rows of a CSV text (RFC 4180), each an array of its fields. Fields in double quotes may hold anything. */
export function parseCsv(text) {
  const rows = [];
  let row = [];
  let field = '';
  let quoted = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (quoted) {
      if (character !== '"') field += character;
      else if (text[index + 1] === '"') {
        field += '"';
        index += 1;
      } else quoted = false;
    } else if (character === '"' && field === '') quoted = true;
    else if (character === ',') {
      row.push(field);
      field = '';
${
  handlesCrlf
    ? `    } else if (character === '\\n' || (character === '\\r' && text[index + 1] === '\\n')) {
      if (character === '\\r') index += 1;
`
    : `    } else if (character === '\\n') {
`
}      rows.push([...row, field]);
      row = [];
      field = '';
    } else field += character;
  }
  if (field !== '' || row.length > 0) rows.push([...row, field]);
  return rows;
}
`;

const CSV_TEST = `
test('reads quoted fields', () => {
  assert.deepEqual(parseCsv('"a,b","say ""hi""","two\\nlines"\\nc,,\\n'), [['a,b', 'say "hi"', 'two\\nlines'], ['c', '', '']]);
});
`;

const FORMAT_CSV = `
/** CSV text of rows. A field is quoted only where it must be; null and undefined are empty fields. */
export function formatCsv(rows) {
  const field = (value) => {
    const text = String(value ?? '');
    return /[",\\r\\n]/.test(text) ? \`"\${text.replaceAll('"', '""')}"\` : text;
  };
  return rows.map((row) => \`\${row.map(field).join(',')}\\n\`).join('');
}
`;

const FORMAT_TEST = `
test('writes what it reads', () => {
  const rows = [['name', 'note'], ['tea, green', 'say "hi"'], ['two\\nlines', ''], ['plain', '1.5']];
  assert.deepEqual(parseCsv(formatCsv(rows)), rows);
  assert.equal(formatCsv([['a', null, 2]]), 'a,,2\\n');
});
`;

const USAGE = `
## Use

\`\`\`js
import { receipt, toCents } from 'till';

console.log(receipt([
  { name: 'Tea', unitCents: toCents('3.50'), quantity: 2 },
  { name: 'Bun', unitCents: toCents('1.20') },
]));
\`\`\`

prints

\`\`\`
2 x Tea                     7.00
1 x Bun                     1.20
--------------------------------
Total                       8.20
\`\`\`
`;

export const EDITS = {
  'round-half-cents': async ({ say, replace, append }) => {
    await say('toCents multiplies in floating point; the digits have to be shifted instead.');
    replace('src/money.js', '  return Math.round(value * 100);\n}\n', ROUNDING);
    await say('Edited src/money.js. Adding the cases of the report to test/money.test.js.');
    append('test/money.test.js', ROUNDING_TEST);
  },

  'csv-quoted-fields': async ({ prompt, say, read, write, append }) => {
    // The second prompt holds the output of the gate that failed; that is where this agent learns from.
    const learned = prompt.includes('accepts CRLF line ends');
    await say(learned ? 'The gate says that CRLF line ends broke. They have to be one line break.' : 'Splitting is not enough: reading one character at a time.');
    const text = read('src/csv.js');
    const records = text.slice(text.indexOf('\n/** Rows as objects'));
    write('src/csv.js', csvParser(learned) + records);
    await say('Edited src/csv.js.');
    append('test/csv.test.js', CSV_TEST);
  },

  'csv-export': async ({ say, replace, append }) => {
    await say('parseCsv is there; writing its counterpart.');
    append('src/csv.js', FORMAT_CSV);
    replace('test/csv.test.js', "import { parseCsv, parseRecords } from '../src/index.js';", "import { formatCsv, parseCsv, parseRecords } from '../src/index.js';");
    await say('Proving with a round trip that what is written reads back the same.');
    append('test/csv.test.js', FORMAT_TEST);
  },

  'remove-discount-fraction': async ({ say, replace }) => {
    await say('Looking for users of applyDiscountFraction: only its own test.');
    replace(
      'src/pricing.js',
      `/** Discount as a fraction. Deprecated since 1.1: use applyDiscount, which takes a percentage. */
export function applyDiscountFraction(cents, fraction) {
  return applyDiscount(cents, fraction * 100);
}

`,
      '',
    );
    replace(
      'test/pricing.test.js',
      `test('still takes a fraction', () => {
  assert.equal(applyDiscountFraction(1000, 0.25), 750);
});

`,
      '',
    );
    await say('Taking it out of the imports.');
    replace('test/pricing.test.js', 'applyDiscountFraction, ', '');
  },

  'slugify-accents': async ({ say, replace, append }) => {
    await say('Decomposing letters, so that their marks can be dropped and the letters kept.');
    replace('src/text.js', "    .toLowerCase()\n    .replace(/[^a-z0-9]+/g, '-')", "    .toLowerCase()\n    .replaceAll('ß', 'ss')\n    .normalize('NFKD')\n    .replace(/\\p{M}+/gu, '')\n    .replace(/[^a-z0-9]+/g, '-')");
    append('test/text.test.js', `test('keeps accented letters readable', () => {\n  assert.equal(slugify('Crème brûlée, groß'), 'creme-brulee-gross');\n});`);
  },

  'readme-usage': async ({ say, append }) => {
    await say('Writing a short example into the README.');
    append('README.md', USAGE);
  },
};
