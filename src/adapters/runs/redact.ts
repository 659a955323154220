/** Keeping secrets out of files: values that the environment holds under a telling name, and texts shaped like a token. */

export interface Redactor {
  /** The text with every secret replaced. */
  redact(text: string): string;
  /** The value with every string in it redacted; keys stay. */
  redactValue(value: unknown): unknown;
  /** From now on the secrets of this environment are known too. */
  learn(env: Readonly<Record<string, string | undefined>>): void;
}

const REPLACEMENT = '[redacted]';

const SECRET_NAME = /(^|_)(api_?key|access_?key|private_?key|secret_?key|key|token|secret|password|passwd|passphrase|credentials?|auth|cookie|dsn|pat)(_|$)|apikey|authtoken/i;
/** Shorter values would redact ordinary words. */
const SHORTEST = 8;

/** Token shapes that their issuers document or print. */
const SHAPES = [
  /\bsk-[A-Za-z0-9_-]{16,}/g, // Anthropic (sk-ant-…), OpenAI (sk-…, sk-proj-…)
  /\bgh[pousr]_[A-Za-z0-9]{20,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g,
  /\bglpat-[A-Za-z0-9_-]{16,}/g,
  /\bnpm_[A-Za-z0-9]{30,}/g,
  /\bxox[abeprs]-[A-Za-z0-9-]{10,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bAIza[A-Za-z0-9_-]{30,}/g,
  /\bya29\.[A-Za-z0-9_-]{20,}/g,
  /\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}/g,
  /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
];
const BEARER = /\b(bearer\s+)[A-Za-z0-9._~+/=-]{16,}/gi;
const URL_PASSWORD = /(:\/\/[^\s:/@]+:)[^\s@/]{3,}@/g;

/** Knows the secrets of the given environments, this process's own when none is given. */
export function createRedactor(...envs: Readonly<Record<string, string | undefined>>[]): Redactor {
  const secrets = new Set<string>();
  let known: RegExp | undefined;
  const learn = (env: Readonly<Record<string, string | undefined>>): void => {
    const before = secrets.size;
    for (const [name, value] of Object.entries(env)) {
      if (value === undefined || !isSecret(name, value)) continue;
      secrets.add(value);
      for (const line of linesOf(value)) secrets.add(line);
    }
    if (secrets.size === before) return;
    // Longest first, so that a secret that contains another one goes as a whole.
    const values = [...secrets].sort((a, b) => b.length - a.length).map((value) => value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    known = new RegExp(values.join('|'), 'g');
  };
  const redact = (text: string): string => {
    let result = known ? text.replace(known, REPLACEMENT) : text;
    for (const shape of SHAPES) result = result.replace(shape, REPLACEMENT);
    return result.replace(BEARER, `$1${REPLACEMENT}`).replace(URL_PASSWORD, `$1${REPLACEMENT}@`);
  };
  const redactValue = (value: unknown): unknown => {
    if (typeof value === 'string') return redact(value);
    if (Array.isArray(value)) return value.map(redactValue);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, redactValue(one)]));
  };
  for (const env of envs.length > 0 ? envs : [process.env]) learn(env);
  return { redact, redactValue, learn };
}

/** Lines of a secret of several lines (a key, with line ends as they are or spelt out): a log shows them one by one. */
const SHORTEST_LINE = 16;
function linesOf(value: string): string[] {
  const lines = value.split(/\r?\n|\\n/).map((line) => line.trim());
  return lines.length < 2 ? [] : lines.filter((line) => line.length >= SHORTEST_LINE && !line.startsWith('-----'));
}

/** Lines after the first one that a private key may have: more than the longest in use, and an end for one that was only mentioned. */
const KEY_LINES = 200;

/** Redacts a text that comes line by line: a private key is hidden to its last line. */
export function lineRedactor(redactor: Pick<Redactor, 'redact'>): (line: string) => string {
  let left = 0;
  return (line) => {
    const before = left;
    const end = /-----END [A-Z ]*PRIVATE KEY-----/.exec(line);
    if (/-----BEGIN [A-Z ]*PRIVATE KEY-----(?![\s\S]*-----END [A-Z ]*PRIVATE KEY-----)/.test(line)) left = KEY_LINES;
    else left = end || before === 0 ? 0 : before - 1;
    if (before === 0) return redactor.redact(line);
    return end ? REPLACEMENT + redactor.redact(line.slice(end.index + end[0].length)) : REPLACEMENT;
  };
}

function isSecret(name: string, value: string): boolean {
  // SSH_AUTH_SOCK and the like name files; a path is no secret and is all over the logs.
  return SECRET_NAME.test(name) && value.length >= SHORTEST && !/^(\/|[A-Za-z]:\\|\.{1,2}\/|~\/)/.test(value) && !/^\d+$/.test(value);
}
