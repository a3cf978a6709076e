import { Injectable } from '@nestjs/common';
import { CHOICES_MAX, type KernelChoiceDocument, type MeasuredChoiceDocument } from '@millrace/contracts';
import { PrismaService, type Transaction } from '../../ground/database/prisma.service';

export interface KindChoice extends KernelChoiceDocument {
  readonly kind: string;
}

/** Rows of choices: one per kind of device, kernel and bucket of shapes. What was stored first stays. */
@Injectable()
export class KernelChoicesRepository {
  constructor(private readonly prisma: PrismaService) {}

  async ofKinds(reader: Transaction, kinds: readonly string[]): Promise<KindChoice[]> {
    return reader.kernelChoice.findMany({
      where: { kind: { in: [...new Set(kinds)] } },
      select: { kind: true, kernel: true, bucket: true, form: true },
      orderBy: [{ kind: 'asc' }, { kernel: 'asc' }, { bucket: 'asc' }],
    });
  }

  /** Stores as many as there is room for, and returns how many were new. */
  async add(
    kind: string,
    choices: readonly MeasuredChoiceDocument[],
    by: { readonly agentId: string; readonly measuredAt: Date },
  ): Promise<number> {
    const room = CHOICES_MAX - (await this.prisma.kernelChoice.count({ where: { kind } }));
    const data = choices.slice(0, Math.max(0, room)).map((choice) => ({ ...choice, kind, ...by }));
    const { count } = await this.prisma.kernelChoice.createMany({ data, skipDuplicates: true });
    return count;
  }
}
