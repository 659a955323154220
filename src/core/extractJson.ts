/** Finding the JSON answer in what a program without a schema option printed. */

/**
 * The JSON object in a text: the whole of it, else the last fenced block that parses, else the outermost braces.
 * Undefined when there is none; arrays and bare values are not answers.
 */
export function extractJson(text: string): Record<string, unknown> | undefined {
  const whole = parseObject(text);
  if (whole) return whole;
  const fences = [...text.matchAll(/^[ \t]*(?:```|~~~)[^\n]*\n([\s\S]*?)^[ \t]*(?:```|~~~)[ \t]*$/gm)].map((match) => match[1] ?? '');
  for (const fence of fences.reverse()) {
    const block = parseObject(fence);
    if (block) return block;
  }
  const open = text.indexOf('{');
  const close = text.lastIndexOf('}');
  return open >= 0 && close > open ? parseObject(text.slice(open, close + 1)) : undefined;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
