/** Where the stages live: data that lowering, agents and the planner read, so that none knows a schedule by name. */
export interface Placement {
  /** Rank of each stage. */
  readonly rankOfStage: readonly number[];
  /** Stages of each rank, ascending: entry c is its chunk c. */
  readonly stagesOfRank: readonly (readonly number[])[];
}

/** Round and round: stage s = c*p + r is chunk c of rank r (Megatron-LM). */
export function loopPlacement(ranks: number, chunks: number): Placement {
  return placeStages(
    Array.from({ length: ranks * chunks }, (_, stage) => stage % ranks),
    ranks,
  );
}

/** Down and up again, a V: rank r holds stages r and 2p-1-r, so the last rank hands over to itself (Qi et al. 2024). */
export function veePlacement(ranks: number): Placement {
  return placeStages(
    Array.from({ length: 2 * ranks }, (_, stage) => Math.min(stage, 2 * ranks - 1 - stage)),
    ranks,
  );
}

/** The map from stages to ranks in both directions. */
export function placeStages(rankOfStage: readonly number[], ranks: number): Placement {
  const stagesOfRank = Array.from({ length: ranks }, (): number[] => []);
  rankOfStage.forEach((rank, stage) => stagesOfRank[rank]?.push(stage));
  return { rankOfStage, stagesOfRank };
}
