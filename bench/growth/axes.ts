/** What one point of a chart is measured with. */
export interface Setting {
  /** Bytes of one session, as JSON. */
  readonly bytes: number;
  /** Keys of one session besides the usual ones. */
  readonly keys: number;
  /** In Redis. */
  readonly sessions: number;
  readonly connections: number;
  readonly processes: number;
}

const USUAL: Setting = { bytes: 300, keys: 0, sessions: 1000, connections: 32, processes: 1 };

/** Something that grows while all else stays. */
export interface Axis {
  readonly name: string;
  readonly title: string;
  readonly label: string;
  readonly values: readonly number[];
  settingOf(value: number): Setting;
}

const axis = (name: string, title: string, label: string, values: readonly number[], of: (value: number) => Partial<Setting>): Axis => ({
  name,
  title,
  label,
  values,
  settingOf: (value) => ({ ...USUAL, ...of(value) }),
});

export const AXES: readonly Axis[] = [
  axis('size', 'Cost by the size of a session', 'bytes of one session', [100, 300, 1000, 4000, 16_000, 65_000], (bytes) => ({ bytes })),
  axis('keys', 'Cost by the number of keys', 'keys of one session', [1, 10, 100, 1000], (keys) => ({ keys, bytes: 300 + 14 * keys })),
  axis('sessions', 'Cost by the number of sessions', 'sessions in Redis', [1, 1000, 30_000, 1_000_000], (sessions) => ({ sessions })),
  axis('connections', 'Cost by the number of connections', 'connections, all busy', [1, 4, 16, 64, 256], (connections) => ({
    connections,
  })),
  axis('processes', 'Cost by the number of processes', 'server processes on one core', [1, 2, 4], (processes) => ({ processes })),
];
