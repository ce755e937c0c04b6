# The app for any user, also on a read-only root file system; docs/deploy.md has the commands.
FROM python:3.11-slim

# Where the CPU builds of PyTorch are; a mirror or another build by --build-arg TORCH_INDEX=…
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-cache-dir --extra-index-url "$TORCH_INDEX" -r requirements.txt
COPY . ./
# Nothing can be compiled later, where nothing can be written.
RUN python -m compileall -q app.py crnn pages

# Caches go where a read-only container still has a place to write.
ENV HOME=/tmp
USER 1000:1000
EXPOSE 8501
HEALTHCHECK --start-period=30s --timeout=5s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8501/_stcore/health')"]
CMD ["streamlit", "run", "app.py", "--server.address=0.0.0.0", "--server.port=8501", "--server.headless=true"]
