/** Where the database of a repository lies: in `.baton`, or in the user's data directory where the file system cannot carry it. */
import * as fs from 'node:fs';
import * as path from 'node:path';

const NAME = 'baton.db';

/** File systems served by another machine or host, by `statfs` magic: SQLite's WAL needs memory shared by all who open it. */
const NETWORK_MAGIC = new Set([
  0x6969, // NFS
  0x517b, // SMB
  0xff534d42, // CIFS
  0xfe534d42, // SMB2
  0x01021997, // 9P (WSL's /mnt/c)
  0x5346414f, // AFS
  0x00c36400, // Ceph
  0x786f4256, // VirtualBox shared folders
  0xbacbacbc, // VMware shared folders
]);

/** True when the folder is known to lie on a network mount. False says nothing: opening tries WAL itself. */
export function isNetworkMount(folder: string): boolean {
  if (process.platform === 'win32') return /^(\\\\|\/\/)(?![?.][\\/])/.test(path.resolve(folder));
  // Elsewhere the type's number means something else.
  if (process.platform !== 'linux') return false;
  try {
    return NETWORK_MAGIC.has(fs.statfsSync(folder).type >>> 0);
  } catch {
    return false;
  }
}

/** The database in the repository, whether it is there or not. */
export function localDatabase(batonDir: string): string {
  return path.join(batonDir, NAME);
}

/** The database in the user's data directory; `dataDir` belongs to one repository. */
export function movedDatabase(dataDir: string): string {
  return path.join(dataDir, NAME);
}

/** The database that exists, the moved one first: it is only ever made where the other cannot work. Undefined when there is none. */
export function findDatabase(batonDir: string, dataDir: string | null): string | undefined {
  const candidates = [...(dataDir === null ? [] : [movedDatabase(dataDir)]), localDatabase(batonDir)];
  return candidates.find((file) => fs.existsSync(file));
}

/** The database file and what SQLite keeps beside it. */
export function databaseFiles(file: string): string[] {
  return [file, `${file}-wal`, `${file}-shm`, `${file}-journal`];
}
