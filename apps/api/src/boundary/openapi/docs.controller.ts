import { dirname } from 'node:path';
import { Controller, Get, NotFoundException, Param, Res } from '@nestjs/common';
import type { Response } from 'express';
import { Public } from '../../ground/auth/access';
import { DOCS_PAGE, DOCS_START } from './docs-page';

/** The files of the package that the page loads; no other file of it is served. */
const FILES: ReadonlySet<string> = new Set(['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png']);
const START_SCRIPT = 'start.js';

/** Serves the API's documentation, to read and to try out, from files of this installation. */
@Public()
@Controller('api/docs')
export class DocsController {
  private readonly folder = dirname(require.resolve('swagger-ui-dist/package.json'));

  @Get()
  page(@Res() response: Response): void {
    response.type('html').setHeader('Cache-Control', 'no-cache').send(DOCS_PAGE);
  }

  @Get(':file')
  file(@Param('file') name: string, @Res() response: Response): void {
    response.setHeader('Cache-Control', 'no-cache');
    if (name === START_SCRIPT) return void response.type('text/javascript').send(DOCS_START);
    if (!FILES.has(name)) throw new NotFoundException(`there is no ${name} here`);
    response.sendFile(name, { root: this.folder });
  }
}
