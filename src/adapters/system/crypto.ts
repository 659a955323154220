import { createHash, randomBytes } from 'node:crypto';
import type { Crypto } from '../../engine/ports.ts';

export function createCrypto(): Crypto {
  return {
    hash: (text) => createHash('sha256').update(text).digest('hex'),
    id: () => randomBytes(8).toString('hex'),
  };
}
