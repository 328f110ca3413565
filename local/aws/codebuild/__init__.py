"""CodeBuild on this machine: runs a project's real buildspec in a subprocess.

In the order of a build: `builds` (StartBuild, queue, StopBuild) ▸ `record` (what BatchGetBuilds shows) ▸ `runner`
(phases) ▸ `buildspec` ▸ `variables` ▸ `shell` ▸ `supervise` (a process of its own). Nothing here imports
ministack: `local.aws.seams.codebuild` joins the two.
"""
