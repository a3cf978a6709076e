import type { ManifestTensor } from '@millrace/checkpoint';

/** The tensors of a manifest by name and kind: a rank looks up thousands of them, one after the other. */
export class TensorIndex {
  private readonly tensors: ReadonlyMap<string, ManifestTensor>;

  constructor(tensors: readonly ManifestTensor[]) {
    this.tensors = new Map(tensors.map((tensor) => [`${tensor.kind} ${tensor.name}`, tensor]));
  }

  find(name: string, kind: ManifestTensor['kind']): ManifestTensor | undefined {
    return this.tensors.get(`${kind} ${name}`);
  }
}
