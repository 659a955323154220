/** The words that a task's keys may have, apart from the schema: whoever only shows them need not load it. */

export const RISKS = ['low', 'medium', 'high'] as const;
export const COMPLEXITIES = ['trivial', 'small', 'medium', 'large'] as const;
export const PRIORITIES = ['urgent', 'high', 'medium', 'low'] as const;
export const WORKFLOWS = ['auto', 'direct', 'reviewed'] as const;
/** Areas that routing knows by default; any other text is allowed. */
export const KNOWN_AREAS = ['core', 'math', 'api', 'services', 'docs', 'comments', 'tests'] as const;
