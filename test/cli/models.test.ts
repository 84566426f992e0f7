import { describe, expect, it } from 'vitest';
import { clapFolder } from '../support/clap-folder.ts';
import { sluice, sluiceJson } from '../support/cli.ts';

describe('sluice models', () => {
  it('checks a folder for people and for scripts', async () => {
    const { path } = await clapFolder();
    const ran = await sluice(['models', 'check', path, '--device', 'cpu']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/\(audio\): all well/);
    expect(ran.stdout).toMatch(/fingerprint {2}[0-9a-f]{16}/);
    expect(ran.stdout).toMatch(/device {2}cpu; /);
    const { code, json } = await sluiceJson<{ models: object[] }>([
      'models',
      'check',
      path,
      '--device',
      'cpu',
    ]);
    expect(code).toBe(0);
    expect(json.models).toMatchObject([{ modality: 'audio', dimensions: 4, problems: [] }]);
  });

  it('ends with 2 when the vectors cannot be used', async () => {
    const { path } = await clapFolder({ preprocessor: { frequency_min: 3_999.9, frequency_max: 4_000 } });
    const ran = await sluice(['models', 'check', path, '--device', 'cpu']);
    expect(ran.code).toBe(2);
    expect(ran.stdout).toMatch(/problem {6}all inputs have the same vector/);
  });

  it('ends with 1 and names the file that is missing', async () => {
    const { path } = await clapFolder();
    const ran = await sluice(['models', 'check', `${path}?dtype=int8`]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/has no ONNX file with int8 weights .*onnx\/audio_model_int8\.onnx/);
    expect(ran.stderr).toMatch(/MODEL_NOT_FOUND \(900108\)/);
  });

  it('lists the built-in models', async () => {
    const ran = await sluice(['models', 'list']);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/^MODEL .*LICENCE/);
    expect(ran.stdout).toMatch(/default +text +512 +fp32 +Apache-2\.0/);
  });

  it('measures a model', async () => {
    const { path } = await clapFolder();
    const args = ['models', 'bench', path, '--device', 'cpu', '--seconds', '0', '--batch', '1', '--json'];
    const { code, stdout } = await sluice(args);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ modality: 'audio', device: { deviceBatch: 1 } });
  });
});
