/**
 * What a stage computes again instead of keeping it since F:
 *   none       nothing; attention keeps one number per row and head anyway, not its probabilities
 *   selective  the outputs of norms and activations, which only W reads, in W: little work for much memory
 *   full       everything but the input of each block and of the head, and the log-sum-exp of the rows, in I (Chen et
 *              al. 2016, arXiv:1604.06174)
 * The same kernels run on the same shapes once more, so that every setting gives the same bits.
 */
export const RECOMPUTE_SETTINGS = ['none', 'selective', 'full'] as const;

export type Recompute = (typeof RECOMPUTE_SETTINGS)[number];
