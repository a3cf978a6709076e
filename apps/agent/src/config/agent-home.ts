import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newId } from '@millrace/core';
import { type DeviceReport, deviceKey } from '../worker/gpu-task';
import { homeUnusable } from './config.errors';

const ID = /^agent_[0-9a-z]{1,32}$/;

/** What an agent keeps over restarts: its id, its credential, its port and what was measured of its device. */
export class AgentHome {
  private constructor(private readonly folder: string) {}

  /** Throws AGENT.HOME_UNUSABLE. */
  static open(folder: string): AgentHome {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw homeUnusable(folder, error);
    }
    return new AgentHome(folder);
  }

  agentId(): string {
    const known = this.read('agent-id')?.trim();
    if (known !== undefined && ID.test(known)) return known;
    const id = newId('agent');
    this.write('agent-id', `${id}\n`);
    return id;
  }

  /** The credential that the API gave this agent to open its sessions with. */
  credential(): string | undefined {
    const known = this.read('credential')?.trim();
    return known === '' ? undefined : known;
  }

  keepCredential(credential: string): void {
    this.write('credential', `${credential}\n`);
  }

  /** The port of the last start; 0 when none is known. */
  dataPort(): number {
    const port = Number(this.read('data-port') ?? 0);
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0;
  }

  keepDataPort(port: number): void {
    this.write('data-port', `${port}\n`);
  }

  /** The last report, if this build made it on the adapter and driver that `version` names. */
  deviceReport(version: string): DeviceReport | undefined {
    const text = this.read('device.json');
    if (text === undefined) return undefined;
    try {
      const { key, report } = JSON.parse(text) as { key: string; report: DeviceReport };
      return key === deviceKey(report.adapter, version) ? report : undefined;
    } catch {
      return undefined;
    }
  }

  keepDeviceReport(report: DeviceReport, version: string): void {
    this.write('device.json', JSON.stringify({ key: deviceKey(report.adapter, version), report }));
  }

  private read(name: string): string | undefined {
    try {
      return readFileSync(join(this.folder, name), 'utf8');
    } catch {
      return undefined;
    }
  }

  /** Writes the file whole or not at all. */
  private write(name: string, text: string): void {
    const path = join(this.folder, name);
    try {
      writeFileSync(`${path}.new`, text, { mode: 0o600 });
      renameSync(`${path}.new`, path);
    } catch (error) {
      throw homeUnusable(this.folder, error);
    }
  }
}
