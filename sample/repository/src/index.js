export * from './csv.js';
export * from './money.js';
export * from './pricing.js';
export * from './receipt.js';
export * from './text.js';
