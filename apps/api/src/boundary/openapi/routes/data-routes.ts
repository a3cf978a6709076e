import {
  checkpointSchema,
  datasetPreviewSchema,
  datasetSchema,
  generatedSchema,
  generateRequestSchema,
  listOf,
} from '@millrace/contracts';
import { z } from 'zod';
import { pageQuerySchema } from '../../../ground/http/parse-query';
import { importQuerySchema } from '../../../requests/checkpoints/checkpoints.controller';
import {
  DATASET_TYPES,
  newDatasetQuerySchema,
  previewQuerySchema,
} from '../../../requests/datasets/datasets.controller';
import { EXAMPLES } from '../examples';
import { DOCUMENT_TYPES, json, pageOf, type RouteDescription, VIEWER } from '../route-description';

const UPLOADS = ['member', 'data'] as const;

export const DATA_ROUTES: readonly RouteDescription[] = [
  {
    route: 'POST /api/v1/datasets',
    id: 'createDataset',
    tag: 'datasets',
    summary: 'Upload a corpus, or tokens (which need no tokenizer)',
    query: newDatasetQuerySchema,
    body: { types: DATASET_TYPES },
    status: 201,
    answer: json(datasetSchema, EXAMPLES.dataset),
    access: UPLOADS,
    conflicts: true,
  },
  {
    route: 'GET /api/v1/datasets',
    id: 'listDatasets',
    tag: 'datasets',
    summary: 'Datasets, newest first',
    query: pageQuerySchema,
    status: 200,
    answer: json(listOf(datasetSchema), pageOf(EXAMPLES.dataset)),
    access: VIEWER,
  },
  {
    route: 'GET /api/v1/datasets/{id}',
    id: 'getDataset',
    tag: 'datasets',
    summary: 'A dataset',
    status: 200,
    answer: json(datasetSchema, EXAMPLES.dataset),
    access: VIEWER,
  },
  {
    route: 'GET /api/v1/datasets/{id}/preview',
    id: 'previewDataset',
    tag: 'datasets',
    summary: 'Some of the dataset’s tokens, and the text that they stand for',
    query: previewQuerySchema,
    status: 200,
    answer: json(datasetPreviewSchema, EXAMPLES.datasetPreview),
    access: VIEWER,
  },
  {
    route: 'DELETE /api/v1/datasets/{id}',
    id: 'deleteDataset',
    tag: 'datasets',
    summary: 'Delete a dataset that no run reads',
    status: 204,
    access: ['admin', 'data'],
    conflicts: true,
  },
  {
    route: 'POST /api/v1/checkpoints:import',
    id: 'importCheckpoint',
    tag: 'checkpoints',
    summary: 'Import GPT-2 weights saved by Hugging Face as safetensors',
    query: importQuerySchema,
    body: { types: ['application/octet-stream'] },
    status: 201,
    answer: json(z.object({ id: z.string() }), { id: EXAMPLES.checkpoint.id }),
    access: UPLOADS,
  },
  {
    route: 'GET /api/v1/checkpoints/{id}',
    id: 'getCheckpoint',
    tag: 'checkpoints',
    summary: 'A checkpoint',
    status: 200,
    answer: json(checkpointSchema, EXAMPLES.checkpoint),
    access: VIEWER,
  },
  {
    route: 'GET /api/v1/checkpoints/{id}/model.safetensors',
    id: 'exportModel',
    tag: 'checkpoints',
    summary: 'The model, whose tensors have Hugging Face names',
    status: 200,
    answer: { type: 'application/octet-stream' },
    access: VIEWER,
  },
  {
    route: 'DELETE /api/v1/checkpoints/{id}',
    id: 'deleteCheckpoint',
    tag: 'checkpoints',
    summary: 'Delete a checkpoint that no live run needs',
    status: 204,
    access: UPLOADS,
    conflicts: true,
  },
  {
    route: 'POST /api/v1/checkpoints/{id}:generate',
    id: 'generate',
    tag: 'checkpoints',
    summary: 'Generate text with the model',
    body: { types: DOCUMENT_TYPES, schema: generateRequestSchema, example: EXAMPLES.generateRequest },
    status: 200,
    answer: json(generatedSchema, EXAMPLES.generated),
    access: UPLOADS,
    conflicts: true,
  },
];
