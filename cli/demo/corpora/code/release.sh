#!/bin/sh
# Publishes a release. The token belongs to the build account.
export GITHUB_TOKEN=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
gh release create "$1" --notes-file CHANGES.md
