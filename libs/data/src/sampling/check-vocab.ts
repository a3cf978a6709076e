import { tokenBeyondVocab } from '../data.errors';

interface CheckedVocab {
  readonly vocab: number;
  /** The position of the first id; 0 by default. */
  readonly firstPosition?: number;
}

/** Throws DATA.TOKEN_BEYOND_VOCAB at the first id that a model of this vocabulary does not have. */
export function checkVocab(where: string, ids: ArrayLike<number>, { vocab, firstPosition = 0 }: CheckedVocab): void {
  for (let index = 0; index < ids.length; index++) {
    const id = ids[index]!;
    if (id >= vocab) throw tokenBeyondVocab(where, { id, position: firstPosition + index, vocab });
  }
}
