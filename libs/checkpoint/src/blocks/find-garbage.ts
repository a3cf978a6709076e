import type { Manifest } from '../manifest/manifest';
import type { StoredBlock } from './block-store';

export interface GarbageInput {
  /** Manifests of every checkpoint that must stay readable, published or being published. */
  readonly live: readonly Pick<Manifest, 'tensors'>[];
  readonly stored: readonly StoredBlock[];
  /** Blocks put at or after this time stay: their manifest may not be published yet. */
  readonly keepSinceMs: number;
}

/** The stored blocks that no live manifest needs. Pure: deletes nothing. */
export function findGarbage({ live, stored, keepSinceMs }: GarbageInput): StoredBlock[] {
  const needed = new Set<string>();
  for (const { tensors } of live) {
    for (const { blocks } of tensors) for (const { sha256 } of blocks) needed.add(sha256);
  }
  return stored.filter(({ sha256, putAtMs }) => putAtMs < keepSinceMs && !needed.has(sha256));
}
