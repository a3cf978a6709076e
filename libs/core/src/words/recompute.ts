/**
 * What a stage computes again in I instead of keeping it since F:
 *   none       nothing
 *   selective  the probabilities of the attention, [B,H,T,T] per block, from the kept query and key rows (Korthikanti
 *              et al. 2022, arXiv:2205.05198 section 5)
 *   full       everything but the input of each block and of the head, and the log-sum-exp of the rows (Chen et al.
 *              2016, arXiv:1604.06174)
 * The same kernels run on the same shapes once more, so that every setting gives the same bits.
 */
export const RECOMPUTE_SETTINGS = ['none', 'selective', 'full'] as const;

export type Recompute = (typeof RECOMPUTE_SETTINGS)[number];
